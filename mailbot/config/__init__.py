"""Load `config/*.yaml` and the environment into frozen values, or report every problem with its place."""
