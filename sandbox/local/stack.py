"""The three servers of a local stack, as a value: where their data is and which ports they have."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from . import kafka, postgres, redis
from .ports import free_ports
from .service import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStack:
    """PostgreSQL 18, Redis and Apache Kafka on 127.0.0.1 with their data under `data` (an absolute path)."""

    data: Path
    postgres_port: int = 5432
    redis_port: int = 6379
    kafka_port: int = 9092
    kafka_controller_port: int = 9093
    kafka_cache: Path = kafka.CACHE

    @classmethod
    def on_free_ports(cls, data: Path, *, kafka_cache: Path = kafka.CACHE) -> Self:
        """A stack on four ports that are free now, beside any other that runs."""
        postgres_port, redis_port, kafka_port, kafka_controller_port = free_ports(4)
        return cls(
            data=data,
            postgres_port=postgres_port,
            redis_port=redis_port,
            kafka_port=kafka_port,
            kafka_controller_port=kafka_controller_port,
            kafka_cache=kafka_cache,
        )

    def plan(self) -> list[Service]:
        """The three services, independent of each other: they start side by side."""
        ports = {"port": self.kafka_port, "controller_port": self.kafka_controller_port}
        return [
            postgres.postgres(self.data, port=self.postgres_port),
            redis.redis(self.data, port=self.redis_port),
            kafka.kafka(self.data, **ports, cache=self.kafka_cache),
        ]

    def connections(self) -> dict[str, str]:
        """What a process needs to find the servers, by the names of the fleet's settings."""
        return {
            "DATABASE_URL": postgres.url(self.postgres_port),
            "REDIS_URL": redis.url(self.redis_port),
            "KAFKA_BOOTSTRAP": f"127.0.0.1:{self.kafka_port}",
        }
