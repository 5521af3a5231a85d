import 'uplot/dist/uPlot.min.css';
import './rooms.css';
