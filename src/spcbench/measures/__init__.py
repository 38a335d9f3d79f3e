"""What is counted: fields, measures, packs, and the count itself."""
