/** Of the area that data is drawn in, in pixels; axes and legends come on top. */
export const WIDTH = 560;
export const HEIGHT = 260;
