"""The output formats, one module each: ``render(report, options)`` gives the whole text."""
