"""vambe-mock: an emulator of the task API of Vambe, a conversational CRM."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("vambe-mock")
except PackageNotFoundError:  # a checkout that is not installed
    __version__ = "0+unknown"
