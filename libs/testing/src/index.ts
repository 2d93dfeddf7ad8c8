export { mulberry32 } from './mulberry32.js';
export { tinyModel, type TinyModelOptions } from './tiny-model.js';
