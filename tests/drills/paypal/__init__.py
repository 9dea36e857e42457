"""PayPal methods of all kinds of brokenness, moved while everything that moves them is killed."""
