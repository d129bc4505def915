// A photo that a reader gives.
(() => {
  "use strict";
  const LARGEST = 2000; // pixels of its longer side, twice of what is worked on

  // its bytes, as ImageData
  function pixelsOf(photo) {
    const canvas = Object.assign(document.createElement("canvas"), {width: 8, height: 8});
    const known = canvas.getContext("2d", {willReadFrequently: true});
    known.fillRect(0, 0, 8, 8);
    if (known.getImageData(0, 0, 8, 8).data.some((v, i) => v !== (i % 4 === 3 ? 255 : 0)))
      throw new Error("it hides from pages what a picture holds; allow this page to read canvases");
    return photo.getContext("2d").getImageData(0, 0, photo.width, photo.height);
  }

  // A photo as a canvas, turned upright, on white; no larger than the finding needs.
  async function photoOf(file) {
    const bitmap = await createImageBitmap(file, {imageOrientation: "from-image"}).catch(() => {
      throw new Error(`${file.name || "This"} is not a picture that this browser can open; take a JPEG or PNG.`);
    });
    const scale = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
    const canvas = Object.assign(document.createElement("canvas"), {
      width: Math.max(1, Math.round(bitmap.width * scale)),
      height: Math.max(1, Math.round(bitmap.height * scale)),
    });
    const context = canvas.getContext("2d", {willReadFrequently: true});
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return canvas;
  }

  // a button that has a file chosen, for `take`
  function chooses(button, take) {
    const chooser = Object.assign(document.createElement("input"), {type: "file", accept: "image/*", hidden: true});
    button.after(chooser);
    button.addEventListener("click", () => chooser.click());
    chooser.addEventListener("change", () => {
      if (chooser.files[0]) take(chooser.files[0]);
      chooser.value = ""; // the same photo may be chosen again
    });
  }

  Object.assign(window.digitlib, {photo: {photoOf, pixelsOf, chooses}});
})();
