// Paper to write on, and what was written on it as ink.
(() => {
  "use strict";
  const PEN = 7; // pixels on the screen
  // what was written is drawn once more to be read: digits so tall, with a pen so wide, in pixels
  const TALL = 60, INKED = 6.5, LEAST = 10, MOST = 1500;
  const PALM = 60; // pixels, from which a touch is a hand and no finger
  const {picture} = window.digitlib;

  // The paper: what is on it, and the pen. `changed(final)` is told of each point and of each end.
  // On it are strokes, lists of points; or one example, 784 bytes; or one photo, a canvas. Strokes that
  // a page wrote come with `given`, what is known of them, and go when somebody writes. It is redrawn
  // with boxes around digits, {corners, sure}.
  function paperOn(canvas, changed) {
    const context = canvas.getContext("2d");
    const color = (name) => getComputedStyle(canvas).getPropertyValue(name);
    const history = [{strokes: []}]; // what was on it before, and is now
    const now = () => history.at(-1);
    let stroke, pointer; // that is being drawn, and by what
    let size; // of the canvas, in pixels of the page

    // strokes are in pixels of the page, the canvas in those of the screen; gives whether they moved
    function redraw(boxes = []) {
      const {width, height} = canvas.getBoundingClientRect(), fine = window.devicePixelRatio || 1;
      const wide = Math.round(width * fine), high = Math.round(height * fine);
      const grown = width && size ? Math.min(width / size.width, height / size.height) : 1;
      resize(grown);
      if (width) size = {width, height};
      if (canvas.width !== wide || canvas.height !== high)
        Object.assign(canvas, {width: wide, height: high});
      context.setTransform(fine, 0, 0, fine, 0, 0);
      context.clearRect(0, 0, width, height);
      const {strokes, example, photo} = now();
      canvas.classList.toggle("draw-photo", !!photo);
      context.imageSmoothingQuality = "high";
      if (example) {
        const side = Math.min(width, height);
        context.drawImage(picture(example), (width - side) / 2, (height - side) / 2, side, side);
      }
      if (photo) {
        const scale = Math.min(width / photo.width, height / photo.height);
        context.translate((width - scale * photo.width) / 2, (height - scale * photo.height) / 2);
        context.scale(scale, scale);
        context.drawImage(photo, 0, 0);
        for (const box of boxes) {
          outline(box, "white", 4 / scale);
          outline(box, color(box.sure ? "--green" : "--orange"), 2 / scale);
        }
      } else if (strokes && boxes.length > 1) // gray is seen inverted, too, as in the dark
        for (const box of boxes) outline(box, color("--gray"), 2);
      for (const points of strokes ?? []) ink(points);
      return grown !== 1;
    }

    // what was written goes with the paper
    function resize(scale) {
      if (scale === 1) return;
      for (const points of new Set(history.flatMap(({strokes}) => strokes ?? [])))
        for (const point of points) for (const k of [0, 1]) point[k] *= scale;
    }

    function ink(points) {
      context.strokeStyle = "black";
      context.setLineDash([]);
      context.lineWidth = PEN;
      context.lineCap = context.lineJoin = "round";
      context.beginPath();
      context.moveTo(...points[0]);
      for (const [x, y] of points) context.lineTo(x + 0.01, y); // a tap is a dot
      context.stroke();
    }

    // a box around a digit, a little away from its ink
    function outline({corners, sure}, style, wide) {
      const x = corners.reduce((sum, corner) => sum + corner[0], 0) / 4;
      const y = corners.reduce((sum, corner) => sum + corner[1], 0) / 4;
      const away = 1 + (2 * wide) / Math.hypot(corners[0][0] - x, corners[0][1] - y);
      context.strokeStyle = style;
      context.lineWidth = wide;
      context.setLineDash(sure ? [] : [3 * wide, 3 * wide]);
      context.beginPath();
      for (const corner of corners) context.lineTo(x + away * (corner[0] - x), y + away * (corner[1] - y));
      context.closePath();
      context.stroke();
    }

    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button > 0 || Math.max(event.width, event.height) > PALM) return;
      if (stroke) {
        if (stroke.length > 3) return; // a second finger
        history.pop(); // a palm came first
      }
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      pointer = event.pointerId;
      stroke = [at(event)];
      history.push({strokes: [...(now().given ? [] : now().strokes ?? []), stroke]});
      digitlib.retry?.(); // the reader, where there is one
      changed(false);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!stroke || event.pointerId !== pointer) return;
      const events = event.getCoalescedEvents?.() ?? [];
      stroke.push(...(events.length ? events : [event]).map(at));
      changed(false);
    });
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, (event) => {
        if (!stroke || event.pointerId !== pointer) return;
        stroke = null;
        changed(true);
      });

    // on it before anybody acts; false once somebody has
    function begin(what) {
      if (history.length > 1) return false;
      history[0] = what;
      return true;
    }
    function show(what) {
      history.push(what);
      digitlib.retry?.(); // the reader, where there is one
      changed(true);
    }
    function undo() {
      if (history.length > 1) history.pop();
      changed(true);
    }
    const isEmpty = () => now().strokes?.length === 0;
    return {now, redraw, begin, show, undo, isEmpty, untouched: () => history.length === 1};
  }

  // Strokes as ink that can be read, drawn by our own hand: some browsers do not tell what is on a
  // canvas. Gives the ink, and the function that takes its places back to the paper.
  function inkOf(strokes) {
    const all = strokes.flat();
    const left = Math.min(...all.map(([x]) => x)), top = Math.min(...all.map(([, y]) => y));
    const right = Math.max(...all.map(([x]) => x)), bottom = Math.max(...all.map(([, y]) => y));
    const scale = Math.min(TALL / usual(strokes),
      (MOST - 4 * INKED) / Math.max(right - left, bottom - top, 1));
    const width = Math.ceil((right - left) * scale + 4 * INKED);
    const height = Math.ceil((bottom - top) * scale + 4 * INKED);
    const ink = digitlib.pixels.image(width, height);
    const place = ([x, y]) => [(x - left) * scale + 2 * INKED, (y - top) * scale + 2 * INKED];
    for (const points of strokes)
      for (const [i, point] of points.entries())
        line(ink, place(points[Math.max(0, i - 1)]), place(point));
    return [ink, ([x, y]) => [(x - 2 * INKED) / scale + left, (y - 2 * INKED) / scale + top]];
  }

  // the size of the stroke that the typical part of all strokes belongs to
  function usual(strokes) {
    const sizes = strokes.map((points) => {
      const x = points.map((point) => point[0]), y = points.map((point) => point[1]);
      return Math.max(Math.max(...x) - Math.min(...x), Math.max(...y) - Math.min(...y), LEAST);
    }).sort((a, b) => a - b);
    let sum = 0;
    const half = sizes.reduce((a, b) => a + b) / 2;
    return sizes.find((size) => {
      sum += size;
      return sum >= half;
    });
  }

  // a line with round ends: how far each pixel is from it says how much ink it has
  function line({width, height, at}, [x1, y1], [x2, y2]) {
    const reach = INKED / 2 + 1, dx = x2 - x1, dy = y2 - y1, length = dx * dx + dy * dy || 1;
    for (let y = Math.max(0, Math.floor(Math.min(y1, y2) - reach));
      y <= Math.min(height - 1, Math.max(y1, y2) + reach); y++)
      for (let x = Math.max(0, Math.floor(Math.min(x1, x2) - reach));
        x <= Math.min(width - 1, Math.max(x1, x2) + reach); x++) {
        const along = Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / length));
        const away = Math.hypot(x - x1 - along * dx, y - y1 - along * dy);
        const i = y * width + x;
        at[i] = Math.max(at[i], Math.min(1, Math.max(0, INKED / 2 - away + 0.5)));
      }
  }

  Object.assign(window.digitlib, {pen: {paperOn, inkOf}});
})();
