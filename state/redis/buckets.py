"""The token bucket of a request limit, twice with one arithmetic: shared in Redis (Lua) and in this process.

A bucket is a fifth of its limit deep and refills at the other four fifths, so that no second sees more
than the limit. A small one is a little deeper than one token: lesser work has to leave some over, also where there is
no second token to leave, so customers come first at any limit. Its pace (additive increase, multiplicative
decrease) halves when the limit's owner says 429, at most once a second, and comes back by itself.
"""

from typing import Final

STEADY: Final = 0.8
"""The share of a limit that is used for good; the rest is what may come at once."""
SMALL: Final = 0.1
"""Of a small limit, what its bucket holds beyond one token: less than what makes two at once."""
LEAST_PACE: Final = 0.05
RECOVERY: Final = 0.02
"""Of the full pace, a second: from half to full in 25 s."""
_KEPT_SECONDS: Final = 300

_BUCKET: Final = f"""
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000

local function seconds(value)
    return string.format('%.6f', value)
end

local function read(key, limit)
    local kept = redis.call('HMGET', key, 'tokens', 'at', 'pace', 'cut')
    local cut = tonumber(kept[4] or 0)
    local pace = math.min(1, tonumber(kept[3] or 1) + math.max(0, now - cut) * {RECOVERY})
    local depth = math.max(1 + limit * {SMALL}, limit * {1 - STEADY:.2f})
    local rate = limit * {STEADY} * pace
    local since = math.max(0, now - tonumber(kept[2] or now))
    local tokens = math.min(depth, tonumber(kept[1] or depth) + since * rate)
    return {{depth = depth, rate = rate, tokens = tokens, pace = pace, cut = cut}}
end
"""

TAKE: Final = (
    _BUCKET
    + f"""
-- One token of each bucket, or the seconds until there are some. ARGV: the share of the depth to be left
-- over, then the limit of each bucket a second.
local wait, found = 0, {{}}
for i, key in ipairs(KEYS) do
    local it = read(key, tonumber(ARGV[i + 1]))
    local need = 1 + tonumber(ARGV[1]) * (it.depth - 1)
    wait = math.max(wait, (need - it.tokens) / it.rate)
    found[i] = it
end
if wait <= 0 then
    for i, key in ipairs(KEYS) do
        redis.call('HSET', key, 'tokens', seconds(found[i].tokens - 1), 'at', seconds(now))
        redis.call('EXPIRE', key, {_KEPT_SECONDS})
    end
end
return seconds(math.max(0, wait))
"""
)

SLOW_DOWN: Final = (
    _BUCKET
    + f"""
-- ARGV: the limit of the bucket a second.
local it = read(KEYS[1], tonumber(ARGV[1]))
if now - it.cut >= 1 then
    redis.call('HSET', KEYS[1], 'tokens', '0', 'at', seconds(now), 'cut', seconds(now),
        'pace', seconds(math.max({LEAST_PACE}, it.pace / 2)))
    redis.call('EXPIRE', KEYS[1], {_KEPT_SECONDS})
end
"""
)


class Bucket:
    """One limit in this process, in requests a second. Times are monotonic seconds."""

    def __init__(self, limit: float, now: float) -> None:
        self.depth = max(1 + limit * SMALL, limit * (1 - STEADY))
        self._limit, self._tokens, self._at = limit, self.depth, now
        self._pace, self._cut = 1.0, now

    def wait(self, left_over: float, now: float) -> float:
        """Seconds until a token is there that leaves this share of the depth over; 0 if it is."""
        self._refill(now)
        need = 1 + left_over * (self.depth - 1)
        return max(0.0, (need - self._tokens) / self._rate(now))

    def take(self) -> None:
        """Take the token that `wait` spoke of."""
        self._tokens -= 1

    def slow_down(self, now: float) -> None:
        """Halve the pace and start with an empty bucket."""
        if self._pace < 1 and now - self._cut < 1:
            return
        self._pace, self._cut = max(LEAST_PACE, self._paced(now) / 2), now
        self._tokens, self._at = 0.0, now

    def _refill(self, now: float) -> None:
        self._tokens = min(self.depth, self._tokens + (now - self._at) * self._rate(now))
        self._at = now

    def _rate(self, now: float) -> float:
        return self._limit * STEADY * self._paced(now)

    def _paced(self, now: float) -> float:
        return min(1.0, self._pace + (now - self._cut) * RECOVERY)
