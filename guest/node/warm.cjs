/** Required at boot so that the first customer module finds the loader warm. */
exports.isWarm = true;
