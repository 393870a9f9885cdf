"""The words every other layer speaks: paths, settings, parameters, jobs, messages, recipes, errors."""
