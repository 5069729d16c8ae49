"""Compare ways to update a Keras model when new data has arrived. Never imports streamlit or TensorFlow."""
