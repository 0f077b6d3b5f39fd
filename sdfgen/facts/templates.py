"""Texts that are layout with values in it: new projects and the reference."""

from __future__ import annotations

from sdfgen.facts.data import data_path


def rendered(template: str, **values: object) -> str:
    """Return a template with values in it.

    Args:
        template: Its path in `templates/`.
        values: Everything that it names; one that is missing is an error.
    """
    import jinja2  # costs more than most commands

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(data_path("templates")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(values)
