// Draws what a data-chart attribute holds: the balance over time, as a step line. The table beside it has the same
// figures for those without scripts, so the place for the drawing is hidden until there is one.
document.querySelectorAll("[data-chart]").forEach((place) => {
  const { days, label } = JSON.parse(place.dataset.chart);
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const style = window.getComputedStyle(place);
  const colour = style.getPropertyValue("--tblr-primary").trim() || "#0f5f8c";
  place.hidden = false;
  const chart = window.echarts.init(place, null, { renderer: "canvas" });
  chart.setOption({
    animation: !still,
    color: [colour],
    textStyle: { fontFamily: style.fontFamily, color: style.color },
    grid: { left: 8, right: 20, top: 20, bottom: 8, containLabel: true },
    tooltip: {
      trigger: "axis",
      renderMode: "richText", // HTML would bring inline styles, which the content security policy stops
      formatter: ([point]) => `${point.value[0]}\n${label}: ${point.value[1].toFixed(2)}`,
    },
    xAxis: { type: "time", axisLabel: { formatter: "{yyyy}-{MM}-{dd}", hideOverlap: true } },
    yAxis: { type: "value", min: 0, axisLabel: { formatter: (value) => value.toFixed(2) } },
    series: [{ type: "line", name: label, data: days, step: "end", symbolSize: 6, areaStyle: { opacity: 0.12 } }],
  });
  new ResizeObserver(() => chart.resize()).observe(place);
});
