"""SyncTalk_2D's datasets, packages and checkpoints in, avatar bundles out."""
