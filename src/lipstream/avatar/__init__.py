"""Avatar bundles: their manifest, files and where they are found."""
