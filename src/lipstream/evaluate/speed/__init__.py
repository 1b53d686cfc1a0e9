"""Stages and whole processes in, how fast they are on this machine out."""
