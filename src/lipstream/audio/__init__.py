"""Sound in any container in; mel rows, speech windows and voice activity out."""
