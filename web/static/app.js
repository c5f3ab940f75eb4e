// Starts what a page needs: pictures that refresh, and the stream of what happens now.
import { watchPictures } from "./pictures.js";
import { followLive } from "./live.js";

const pictures = watchPictures(document);
followLive(pictures);
