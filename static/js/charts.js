// Draws what data-chart attributes hold: a figure (talentbank/insight/tables.py, Table.drawing), or a balance over
// time. The table beside it has the same figures for those without scripts, so the place is hidden until it is drawn.
(() => {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  // Series differ in line, symbol and pattern too, for those who don't see their colours.
  const LINES = ["solid", "dashed", "dotted", [10, 3, 2, 3], [4, 2], [14, 4]];
  const SYMBOLS = ["circle", "rect", "triangle", "diamond", "emptyCircle", "emptyRect"];
  const GOAL_LINES = [[8, 5], [2, 4]];
  const GOAL_ICONS = ["path://M0 4h10v2H0zM16 4h10v2H16z", "path://M0 4h4v2H0zM8 4h4v2H8zM16 4h4v2h-4zM24 4h4v2h-4z"];
  const DECALS = [
    { symbol: "none" },
    { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: -Math.PI / 4 },
    { symbol: "circle", symbolSize: 0.6, dashArrayX: [[6, 6], [0, 6, 6, 0]], dashArrayY: [6, 0] },
    { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: 0 },
    { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: Math.PI / 4 },
    { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: Math.PI / 2 },
  ];

  function look(place) {
    const style = window.getComputedStyle(place);
    const colour = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
    return {
      text: style.color,
      font: style.fontFamily,
      line: colour("--chart-line", "#dce1e7"),
      colours: [
        colour("--chart-1", "#0f5f8c"),
        colour("--chart-2", "#b45309"),
        colour("--chart-3", "#2b7a3f"),
        colour("--chart-4", "#8a3a8f"),
        colour("--chart-5", "#4b5a6b"),
        colour("--chart-6", "#a62b2b"),
      ],
    };
  }

  const shown = (value, percent) =>
    value === null || value === undefined ? "–" : `${Math.round(value * 10) / 10}${percent ? " %" : ""}`;

  // What all charts have in common. renderMode: HTML would bring inline styles, which the content security policy stops.
  // rows: of the legend.
  function frame(at, narrow, rows) {
    return {
      animation: !still,
      color: at.colours,
      textStyle: { fontFamily: at.font, color: at.text },
      grid: { left: 8, right: narrow ? 12 : 24, top: 24, bottom: rows ? 14 + 22 * rows : 8, containLabel: true },
      legend: { show: rows > 0, bottom: 0, itemWidth: 30, textStyle: { color: at.text } },
      tooltip: { trigger: "axis", renderMode: "richText", confine: true },
    };
  }

  function balance({ days, label }, at) {
    return {
      ...frame(at, false, 0),
      tooltip: {
        trigger: "axis",
        renderMode: "richText",
        confine: true,
        formatter: ([point]) => `${point.value[0]}\n${label}: ${point.value[1].toFixed(2)}`,
      },
      xAxis: { type: "time", axisLabel: { color: at.text, formatter: "{yyyy}-{MM}-{dd}", hideOverlap: true } },
      yAxis: { type: "value", min: 0, axisLabel: { color: at.text, formatter: (value) => value.toFixed(2) } },
      series: [{ type: "line", name: label, data: days, step: "end", symbolSize: 6, areaStyle: { opacity: 0.12 } }],
    };
  }

  // A goal is a series of its own, so that it has its name in the legend and the axis reaches as far; the mark draws it
  // from side to side.
  function goal({ name, value }, index, labels, at, lying) {
    const line = { type: GOAL_LINES[index % GOAL_LINES.length], width: 1.5, color: at.text };
    return {
      type: "line",
      name,
      data: labels.map(() => value),
      symbol: "none",
      color: at.text,
      lineStyle: { opacity: 0 },
      markLine: {
        silent: true,
        symbol: "none",
        lineStyle: line,
        label: { show: false },
        data: [lying ? { xAxis: value } : { yAxis: value }],
      },
    };
  }

  const wide = (text) => [...text].reduce((sum, sign) => sum + (sign.charCodeAt(0) > 0x2e7f ? 13 : 7), 0);
  const rowsOf = (entries, width) => {
    if (entries.length < 2) return 0;
    let rows = 1;
    let used = 0;
    entries.forEach(({ name }) => {
      const entry = wide(name) + 50;
      if (used && used + entry > width) {
        rows += 1;
        used = 0;
      }
      used += entry;
    });
    return rows;
  };
  // Bars whose names don't fit below them lie: names to the left, read from the top, as those of a funnel always do.
  const lies = ({ kind, labels }, width) =>
    kind === "funnel" || (kind !== "line" && Math.max(...labels.map(wide)) + 8 > (width - 60) / labels.length);

  function figure(drawing, at, width) {
    const { kind, labels, series, goals, percent } = drawing;
    const narrow = width < 560;
    const bars = kind !== "line";
    const lying = lies(drawing, width);
    const common = frame(at, narrow, rowsOf([...series, ...goals], width));
    const names = {
      type: "category",
      data: labels,
      boundaryGap: bars,
      inverse: lying,
      axisTick: { show: !lying },
      axisLine: { lineStyle: { color: at.text } },
      axisLabel: {
        color: at.text,
        hideOverlap: !lying,
        interval: bars ? 0 : "auto",
        ...(lying ? { width: narrow ? 100 : 220, overflow: "break" } : {}),
      },
    };
    const values = {
      type: "value",
      show: kind !== "funnel",
      min: (range) => Math.min(0, range.min),
      minInterval: percent ? undefined : 1,
      splitLine: { lineStyle: { color: at.line } },
      axisLabel: { color: at.text, hideOverlap: true, formatter: (value) => shown(value, percent) },
    };
    const drawn = series.map(({ name, values: data }, index) => ({
      type: bars ? "bar" : "line",
      name,
      data,
      stack: kind === "stacked" ? "all" : undefined,
      barMaxWidth: lying ? 28 : 48,
      symbol: SYMBOLS[index % SYMBOLS.length],
      symbolSize: 7,
      lineStyle: { width: 2, type: LINES[index % LINES.length] },
      itemStyle: bars ? { decal: DECALS[index % DECALS.length] } : undefined,
      label: {
        show: kind === "funnel",
        position: "right",
        color: at.text,
        formatter: ({ value }) => shown(value, percent),
      },
    }));
    const legend = [
      ...series.map(({ name }) => ({ name })),
      ...goals.map(({ name }, index) => ({ name, icon: GOAL_ICONS[index % GOAL_ICONS.length] })),
    ];
    return {
      ...common,
      grid: { ...common.grid, right: kind === "funnel" ? 56 : common.grid.right },
      legend: { ...common.legend, data: legend },
      tooltip: {
        ...common.tooltip,
        formatter: (points) =>
          [points[0].name, ...points.map((point) => `${point.seriesName}: ${shown(point.value, percent)}`)].join("\n"),
      },
      xAxis: lying ? values : names,
      yAxis: lying ? names : values,
      series: [...drawn, ...goals.map((one, index) => goal(one, index, labels, at, lying))],
    };
  }

  document.querySelectorAll("[data-chart]").forEach((place) => {
    const drawing = JSON.parse(place.dataset.chart);
    place.hidden = false;
    place.closest(".figure-chart")?.removeAttribute("hidden");
    const chart = window.echarts.init(place, null, { renderer: "canvas" });
    const draw = () => {
      const at = look(place);
      return drawing.days ? balance(drawing, at) : figure(drawing, at, place.clientWidth);
    };
    chart.setOption(draw());
    new ResizeObserver(() => {
      chart.resize();
      chart.setOption(draw(), { notMerge: true });
    }).observe(place);
  });
})();
