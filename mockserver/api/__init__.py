"""The imitated API.

`operations` declares endpoints, `views` are the endpoints, `schemas` and `answer_schemas` their wire shapes. `doors`
reads a request from WSGI's environment, `routes` finds its operation, `pipeline` carries it out with `reading`
(validation), and `answers` makes those that no view makes. `blueprint` adds all of it to Flask, and `openapi` describes
it.
"""
