"""The commands: words of the user in, files and one-line answers out."""
