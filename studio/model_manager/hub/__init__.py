"""The model hub: where it is, who may ask, what it has, and one file of it brought here whole."""
