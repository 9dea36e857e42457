"""The local stack: PostgreSQL, Redis and Kafka as children of one supervisor, with faults to order."""
