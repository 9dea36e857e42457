"""Webhooks of the processors: verified on the raw bytes, kept in Kafka, then answered."""
