// Starts what a page needs: pictures that refresh, presets that turn, and the stream of what happens now.
import { watchPictures } from "./pictures.js";
import { watchPresets } from "./ptz.js";
import { followLive } from "./live.js";
import { offerVideo } from "./video.js";

const pictures = watchPictures(document);
watchPresets(pictures);
followLive(pictures);
offerVideo(document);
