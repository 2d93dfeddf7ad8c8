/** Where the service of this container listens. */
export const PORT = process.env.PORT || '8000';
