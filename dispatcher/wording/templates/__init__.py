"""The project's own templates, one TOML file each, read by ``dispatcher.wording.filling``.

Lives here: template files, in every language that the project speaks, each element marked.
May not live here: code. A department's own templates stand in its deployment's folder ``templates``.
"""
