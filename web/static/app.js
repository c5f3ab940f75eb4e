// Starts what a page needs: pictures that refresh, presets that turn, and the stream of what happens now.
import { watchPictures } from "./pictures.js";
import { watchPresets } from "./ptz.js";
import { followLive } from "./live.js";

const pictures = watchPictures(document);
watchPresets(pictures);
followLive(pictures);
