"""Who asks: entry points that turn requests into messages, and the clients that publish them."""
