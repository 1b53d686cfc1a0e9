"""Networks: arrays in, arrays out, on the engine of one's choice."""
