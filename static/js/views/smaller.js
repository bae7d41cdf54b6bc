// @ts-check
/** Makes large pictures smaller before they are uploaded: no model looks at more, and phones take 12 MB. */

/** Longer sides are scaled down to this; models see 1,568 to 2,048 pixels. */
const LONGEST_SIDE = 2048;
/** Smaller files go as they are. */
const SMALL_BYTES = 1_000_000;
const SCALED = ["image/png", "image/jpeg", "image/webp"];
const QUALITY = 0.88;

/** @param {File} file @returns {Promise<File>} the file itself if it is small, or no picture */
export async function smaller(file) {
  if (!SCALED.includes(file.type)) return file;
  let picture;
  try {
    picture = await createImageBitmap(file); // turned as its camera says
  } catch {
    return file; // damaged: the server says so
  }
  const scale = LONGEST_SIDE / Math.max(picture.width, picture.height);
  if (scale >= 1 && file.size <= SMALL_BYTES) return file;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * Math.min(1, scale));
  canvas.height = Math.round(picture.height * Math.min(1, scale));
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const type = file.type === "image/jpeg" ? "image/jpeg" : "image/webp"; // a WebP keeps what is transparent
  const made = await new Promise((resolve) => canvas.toBlob(resolve, type, QUALITY));
  if (!(made instanceof Blob) || made.size >= file.size) return file;
  return new File([made], file.name, { type: made.type });
}
