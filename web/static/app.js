// Starts what a page needs: pictures that refresh, cameras that turn, and the stream of what happens now.
import { watchPictures } from "./pictures.js";
import { watchPtz } from "./ptz.js";
import { followLive } from "./live.js";
import { offerVideo } from "./video.js";

const pictures = watchPictures(document);
watchPtz(pictures);
followLive(pictures);
offerVideo(document);
