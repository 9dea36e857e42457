"""What travels: message models, the table of topics, the codec, and the documents made from them."""
