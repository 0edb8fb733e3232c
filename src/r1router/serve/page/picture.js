// A file that a person gave to a picture that can be sent: {name, url, thumb}, both as data URLs.

const LARGEST = 1600; // pixels of the longer side; more is not seen by the models and slow to send
const THUMB = 240;
const SENT_AS_IS = new Set(["image/png", "image/jpeg", "image/webp", "image/gif"]);
const HEAVY = 2_000_000; // bytes

export async function readPicture(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`${file.name || "This"} is not a picture that this browser can read.`);
  }
  const large = Math.max(bitmap.width, bitmap.height) > LARGEST;
  const asIs = SENT_AS_IS.has(file.type) && !large && file.size < HEAVY;
  return {
    name: file.name || "picture",
    url: asIs ? await dataUrl(file) : drawn(bitmap, LARGEST, 0.9),
    thumb: drawn(bitmap, THUMB, 0.8),
  };
}

export const firstPicture = (files) => [...files].find((file) => file.type.startsWith("image/"));

function drawn(bitmap, side, quality) {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff"; // JPEG has no transparency
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", quality);
}

const dataUrl = (file) =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
