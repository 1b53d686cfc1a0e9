"""One module a wire contract: messages in, what the core makes of them in that contract's messages out."""
