"""What pages share: session state, text, forms made from option fields, run cards."""
