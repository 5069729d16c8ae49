"""One file a page; each composes: reads state, calls the core, draws what the core returns."""
