"""Messages of the wire formats in and out, arrays out and in; no sockets, no clock, no avatar."""
