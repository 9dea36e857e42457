"""The rules of the house as tools: each looks at our own sources and says in a sentence what is wrong."""
