// Draws each figure of the page with Plotly in the page's colours, and again when light turns to dark.
{
  const BUTTONS = 28; // pixels of Plotly's buttons at the top, below which the legend begins
  const told = [...document.querySelectorAll("figure.chart")].map(figure => ({
    place: figure.querySelector(".plot"),
    figure: JSON.parse(figure.querySelector("script").textContent),
  }));
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const paint = value => {
    if (Array.isArray(value)) return value.map(paint);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) =>
      [key, key === "color" && typeof inner === "string" && /^(c\d|soft)$/.test(inner) ? colour(inner) : paint(inner)]));
  };
  const axis = own => ({ gridcolor: colour("line"), zerolinecolor: colour("line"), linecolor: colour("line"), ...own });
  const draw = () => {
    for (const { place, figure } of told) {
      const { data, layout } = paint(figure);
      Plotly.react(place, data, {
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        font: { family: "system-ui, sans-serif", size: 12, color: colour("ink") },
        margin: { l: 54, r: 12, t: 30, b: 44 },
        legend: { orientation: "h", yref: "container", y: 1 - BUTTONS / place.clientHeight, yanchor: "top", x: 0 },
        modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("line"), activecolor: colour("ink") },
        hoverlabel: { bgcolor: colour("card"), font: { color: colour("ink") } },
        ...layout, xaxis: axis(layout.xaxis), yaxis: axis(layout.yaxis),
      }, { responsive: true, displaylogo: false, modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]] });
    }
  };
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}
