"""A stand-in of Cloudflare Turnstile: siteverify as it is documented, with the published test keys."""
