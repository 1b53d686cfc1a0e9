"""Everything that listens: the registry of loaded avatars, the services and what keeps people out."""
