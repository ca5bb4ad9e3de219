"""The torch-free agreement of training, scoring and station: settings, images, layout, errors."""
