"""What runs show: one question a file; reads run folders, returns dataclasses."""
