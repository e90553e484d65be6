"""vambe-mock: an emulator of the task API of Vambe, a conversational CRM."""

__version__ = "0.2.0"
