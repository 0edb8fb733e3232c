"""Draws charts with Plotly in pages that open offline, because hover, zoom and legible labels are a library's work.

`figures.py` turns numbers into a `Figure`; `page.py` writes figures as HTML. Any room may use it: reports, curves of
a training run.

    figure = draw_lines({"loss": [(1, 2.3), (2, 1.9)]}, title="Loss", x_label="step", y_label="nats per token")
    Path("curves.html").write_text(write_page("My run", [figure]), encoding="utf-8")
"""
