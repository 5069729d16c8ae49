"use strict";
(() => {
  const { figures, dark } = JSON.parse(document.getElementById("drawings").textContent);
  const night = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 40rem)");
  const paper = { one: 660, two: 320 }; // A4 without its margins, in CSS pixels: one chart or two beside each other
  let printing = false;

  const recoloured = (value) => {
    if (typeof value === "string") return dark[value] || value;
    if (Array.isArray(value)) return value.map(recoloured);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, recoloured(inner)]));
  };

  const draw = (place) => {
    let figure = figures[place.dataset.chart];
    if (night.matches && !printing) figure = recoloured(figure);
    const page = getComputedStyle(document.body); // of the screen, even while the print begins
    const layout = {
      ...figure.layout,
      paper_bgcolor: printing ? "#ffffff" : page.backgroundColor, // a saved picture is readable on any page
      font: { ...figure.layout.font, family: page.fontFamily, color: printing ? "#000000" : page.color },
      dragmode: narrow.matches ? false : "zoom", // a finger on a chart scrolls the page
      modebar: { bgcolor: "rgba(0,0,0,0)", color: "#808080", activecolor: "#808080", remove: ["select2d", "lasso2d"] },
      ...(printing ? { width: place.closest(".pair") ? paper.two : paper.one, autosize: false } : { autosize: true }),
    };
    const data = structuredClone(figure.data);
    Plotly.react(place, data, structuredClone(layout), {
      responsive: true,
      displaylogo: false,
      showSendToCloud: false, // it would upload the chart
      plotlyServerURL: "",
      toImageButtonOptions: { filename: place.dataset.chart, scale: 2 },
    });
  };
  const drawAll = () => document.querySelectorAll("[data-chart]").forEach(draw);

  // Paper is white and everything is open on it.
  const print = (now) => {
    if (printing === now) return;
    printing = now;
    for (const part of document.querySelectorAll("details")) {
      if (now) part.dataset.open = part.open;
      part.open = now || part.dataset.open === "true";
    }
    drawAll();
  };

  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  night.addEventListener("change", drawAll);
  narrow.addEventListener("change", drawAll);
  drawAll();
})();
