"""Live sessions: sound in as it is spoken, frames at their time out; every live transport is an adapter over this."""
