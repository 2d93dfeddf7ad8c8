export { type FamilyConfig, type RopeParameters } from './family-config.js';
export { mulberry32 } from './mulberry32.js';
export { type FamilySpec, tinyFamily, type TinyFamilyOptions } from './tiny-family.js';
export { tinyModel, type TinyModelOptions } from './tiny-model.js';
