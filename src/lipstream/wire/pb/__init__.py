"""Protobuf and gRPC code that proto/generate.py makes from proto/lipstream/wire/pb."""
