"""Pure functions: results in, Plotly figures out. Pages and reports share them."""
